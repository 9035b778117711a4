"""`make bench`: the product against floors measured in the same run, at growing sizes.

A floor is what the same machine does at best with the same tools: a bare Django view on the same
server, data and middleware, COPY, one set-based UPDATE. A figure of the product is told as a ratio
to its floor, because absolute times change from machine to machine and from hour to hour.

    __main__   the program: sizes, rounds, report
    stand      a database for each size, and a web server on it
    plan       which addresses are asked for, with the floor of each
    floor      the bare Django views
    wire       an HTTP client that costs little
    writes     capture, drain, subscribers, sweep; rows that were stored are counted
    report     medians, 95th percentiles, ratios, goals; Markdown and JSON
"""
