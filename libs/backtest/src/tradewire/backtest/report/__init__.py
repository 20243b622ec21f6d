"""What a run leaves behind: its files, its provenance and a report to look at."""

from tradewire.backtest.report.files import activity_document, result_document, write_run
from tradewire.backtest.report.page import report_html, write_report
from tradewire.backtest.report.plots import plot
from tradewire.backtest.report.provenance import Provenance, data_hash, provenance_of

__all__ = [
    "Provenance",
    "activity_document",
    "data_hash",
    "plot",
    "provenance_of",
    "report_html",
    "result_document",
    "write_report",
    "write_run",
]
