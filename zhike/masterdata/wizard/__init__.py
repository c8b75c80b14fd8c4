"""Files that people upload: kept sealed, looked at and read in a process of their own, their columns recognised.

`child`, `confining`, `sniffing`, `taking` and `workbook` run in that process, without Django, keys, files and network.
"""
