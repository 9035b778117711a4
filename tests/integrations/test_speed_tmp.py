import cProfile,pstats,time,json,pytest
from datetime import timedelta
from integrations import inbox
from integrations.models import InboundEvent
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Source
from tests.factories import NOW
@pytest.mark.django_db
def test_speed(workspace):
    with workspace_scope(workspace):
        src=Source.objects.get()
        def fill(n0,n,people):
            InboundEvent.objects.bulk_create([InboundEvent(source=src,provider="web_form",dedupe_key=f"{i}:x",content_type="application/json",body=json.dumps({"submission_id":str(i),"name":f"Person {i%people}","email":f"p{i%people}@c.example","message":"x"}).encode(),received_at=NOW,run_at=NOW) for i in range(n0,n0+n)])
        for label,(a,n,p) in {"new":(0,2000,10**9),"repeat":(2000,2000,700)}.items():
            fill(a,n,p)
            pr=cProfile.Profile(); t=time.perf_counter(); 
            if label=="repeat": pr.enable()
            c=inbox.drain(NOW+timedelta(seconds=1)); pr.disable()
            e=time.perf_counter()-t
            print(label,c,f"{c/e:.0f}/s  {200*e/max(c,1):.2f} s per 200")
        pstats.Stats(pr).sort_stats("cumtime").print_stats(28)
