"""The sections of a report's page: the numbers of a report in; the HTML of one section, out.

Each file writes one section, under the name that the section has in the links of the page. A
section without parts, or with empty ones only, is left out. `elman.reporting.page` puts them in
order.
"""
