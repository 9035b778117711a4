"""Bulk data: a million leads in one workspace among ten, spread like those of a real company.

`load()` fills workspaces `volume`, `volume-2` … with COPY, in one transaction; `manage.py volume`
calls it. The same seed and moment make the same rows.

In each workspace one open lead has exactly 5,000 rows of the log, labelled `LONG_LABEL`, and one
exactly 10, labelled `SHORT_LABEL`; all others have about three on average, some hundred of a
million 50 to 300.
"""

from leadcrm.demo.volume.lives import LONG, LONG_LABEL, SHORT, SHORT_LABEL
from leadcrm.demo.volume.loading import Loaded, load
from leadcrm.demo.volume.office import SLUG

__all__ = ["LONG", "LONG_LABEL", "SHORT", "SHORT_LABEL", "SLUG", "Loaded", "load"]
