"""Leads from files: read row by row, posted one by one to a running switch, none of them twice."""
