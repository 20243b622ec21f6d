"""What a dashboard shows, as plain values, and Grafana's JSON of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH, HEIGHT, COLUMNS = 12, 8, 24
NAMESPACE = 'namespace=~"$namespace"'
"""Where Prometheus has one platform only the variable's value is ``.*``, which series without the label match."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One question. ``queries``: expression → legend; ``unit``: Grafana's name of it, e.g. ``s`` or ``percentunit``."""

    title: str
    answers: str
    unit: str
    queries: dict[str, str]
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: rows of panels under a heading each."""

    uid: str
    title: str
    answers: str
    rows: Mapping[str, Sequence[Panel]]

    @property
    def panels(self) -> list[Panel]:
        """All panels in order."""
        return [panel for row in self.rows.values() for panel in row]


def own(metric: str, matchers: str = "") -> str:
    """Selector of the platform that the dashboard is set to.

    >>> own("up", 'job="a"')
    'up{namespace=~"$namespace", job="a"}'
    """
    return f"{metric}{{{NAMESPACE}{', ' if matchers else ''}{matchers}}}"


def quantile(share: float, metric: str, by: str, matchers: str = "") -> str:
    """A quantile of a histogram over the shown interval."""
    buckets = own(f"{metric}_bucket", matchers)
    return f"histogram_quantile({share:g}, sum by (le, {by}) (rate({buckets}[$__rate_interval])))"


def rate(metric: str, by: str, matchers: str = "") -> str:
    """A counter's growth a second."""
    return f"sum by ({by}) (rate({own(metric, matchers)}[$__rate_interval]))"


def increase(metric: str, by: str, window: str, matchers: str = "") -> str:
    """A counter's growth over a window."""
    return f"sum by ({by}) (increase({own(metric, matchers)}[{window}]))"


def since(metric: str, by: str, matchers: str = "") -> str:
    """Seconds since a timestamp, the newest of each group."""
    return f"time() - max by ({by}) ({own(metric, matchers)})"


def document(board: Board) -> str:
    """The dashboard as Grafana imports it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.answers)
        .tags(["tradewire"])
        .timezone("utc")
        .refresh("15s")
        .time("now-1h", "now")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("namespace")
            .label("Environment")
            .datasource(SOURCE)
            .query("label_values(tradewire_build_info, namespace)")
            .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
            .include_all(True)
            .all_value(".*")
        )
    )
    number = 0
    for heading, panels in board.rows.items():
        made.with_row(dashboard.Row(heading))
        for panel in panels:
            number += 1
            made.with_panel(_panel(panel, number))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _panel(panel: Panel, number: int) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .id(number)
        .title(panel.title)
        .description(panel.answers)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(WIDTH)
        .height(HEIGHT)
        .line_width(1)
        .fill_opacity(8)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.RIGHT)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for letter, (expression, legend) in zip("ABCDEFGH", panel.queries.items(), strict=False):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(letter).range()
        made.with_target(query.exemplar(panel.exemplars))
    return made
