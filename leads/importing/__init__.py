"""Import of leads and their history from files, as a proposal that is looked at before it counts.

A file is stored in parts, read into chunks of rows, compared with what is there, applied chunk by
chunk, and can be taken back as a whole. Each step is a state of `Import` that `sweep` moves on.
"""
