"""What a person keeps on their own screens: saved views, arranged pages, recent and pinned records, notices, bulk jobs.

Does not live here: how a list or a panel looks (ui), and what the records say (the rooms above).
"""
