"""The report: whole, self-contained, escaped, bounded, and with the same numbers as the statistics."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from tradewire.backtest.report import page as page_module
from tradewire.backtest.report import plot, provenance_of, report_html, write_report
from tradewire.backtest.report import trade_rows as trade_rows_module
from tradewire.backtest.report.palette import DARK, LIGHT, coloured
from tradewire.backtest.report.trade_rows import COLUMNS, splits_of
from tradewire.backtest.statistics import statistics_of
from tradewire.ports.backtest import BacktestResult, MarketHistory

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects what the tests ask for, and refuses tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.statistics: dict[str, str] = {}
        self.texts: list[str] = []
        self.figures: dict[str, Any] = {}
        self._into: str | None = None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        self._into = found.get("data-statistic") or ("#" + found["id"] if tag == "script" and "id" in found else None)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._into = None

    def handle_data(self, data: str) -> None:
        if self._into == "#figures":
            self.figures = json.loads(data)
        elif self._into is not None:
            self.statistics[self._into] = data
        elif self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def page_of(result: BacktestResult, market: MarketHistory, strategy: str) -> str:
    provenance = provenance_of(result, [market], code_version="1.2.3", rerun=["tradewire", "backtest", "a b.yaml"])
    return report_html(result, [market], strategy, statistics_of(result, [market]), provenance)


@pytest.fixture(scope="module")
def html(run: Any) -> str:
    return page_of(run.result, run.market, run.strategy)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_page_fetches_nothing(page: Page, html: str) -> None:
    fetching = [(tag, name, value) for tag, name, value in page.attributes if name in ("src", "href", "action", "data")]

    assert fetching == [("link", "href", "data:,")]
    policy = [
        value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "default-src" in value
    ]
    assert policy[0].startswith("default-src 'none'")
    assert "url(" not in html[: html.index("</style>")]


def test_every_number_of_the_tables_is_that_of_the_statistics(run: Any, page: Page) -> None:
    assert page.statistics == {entry.name: entry.text for entry in run.stats}


def test_page_says_what_made_it(run: Any, page: Page) -> None:
    said = " ".join(page.texts)

    for text in (run.result.fingerprint, run.result.fill_model, "1.2.3", "tradewire backtest 'a b.yaml'"):
        assert text in said


def test_what_was_left_out_is_said(run: Any) -> None:
    page = Page(page_of(replace(run.result, left_out=("funding is not modelled",)), run.market, run.strategy))

    assert "funding is not modelled" in page.texts


def test_text_of_a_strategy_is_escaped_everywhere(run: Any) -> None:
    attack = "</script><img src=x onerror=alert(1)>"
    text = run.strategy.replace("description: EMA", f"description: '{attack} EMA").replace(
        "average true ranges", "ranges'", 2
    )
    text = text.replace("  fast: ema", "  # </script><img src=x onerror=alert(2)>\n  fast: ema")

    page = Page(page_of(replace(run.result, left_out=(attack,)), run.market, text))

    assert not [name for _, name, _ in page.attributes if name == "onerror"]
    assert any(attack in said for said in page.texts)


def test_figures_are_valid_in_both_themes(page: Page) -> None:
    assert set(page.figures["figures"]) == {"equity", "market0", "money", "rolling", "profits", "holding"}
    for figure in page.figures["figures"].values():
        for colours in (page.figures["light"], page.figures["dark"]):
            drawn = coloured(figure, colours)
            assert "@" not in json.dumps(drawn)
            go.Figure(drawn)  # raises for what plotly does not know


def test_palettes_name_the_same_meanings() -> None:
    assert set(LIGHT) == set(DARK)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_the_ground(colours: dict[str, str]) -> None:
    ground = _luminance(colours["@paper"])
    for name, colour in colours.items():
        if colour.startswith("#") and name not in ("@paper", "@grid", "@candleup"):
            light, dark = sorted((_luminance(colour), ground), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3.0, name


def test_candles_hold_the_trades_and_their_stops(run: Any, page: Page) -> None:
    traces = {trace["name"]: trace for trace in page.figures["figures"]["market0"]["data"]}

    entries = traces["Long entry"]["x"] + traces["Short entry"]["x"]
    assert sorted(entries) == sorted(trade.entry_time_us // 1000 for trade in run.result.trades)
    stops = [level for level in traces["Stop loss"]["y"] if level is not None]
    assert len(stops) == 2 * len(run.result.trades)
    first = run.result.trades[0]
    assert (stops[0] > float(first.entry_price)) is (first.side == "SELL")
    assert "yaxis" not in traces["fast = ema(close,12)"]
    assert traces["atr = atr(14)"]["yaxis"] == "y2"


def test_stopped_trades_left_at_the_drawn_level(run: Any, page: Page) -> None:
    """Where a stop filled, its price is the level drawn, but for slippage and gaps."""
    traces = {trace["name"]: trace for trace in page.figures["figures"]["market0"]["data"]}
    levels = dict(zip(traces["Stop loss"]["x"][::3], traces["Stop loss"]["y"][::3], strict=True))
    exits = {trade.exit_time_us: trade for trade in run.result.trades}
    stopped = [exits[fill.time_us] for fill in run.result.fills if fill.leg == "STOP_LOSS"]

    assert stopped
    near = [abs(float(trade.exit_price) / levels[trade.entry_time_us // 1000] - 1) for trade in stopped]
    assert np.median(near) < 0.0005


def test_a_million_bars_make_a_page_of_bounded_size(run: Any) -> None:
    count = 1_000_000
    tile = -(-count // len(run.market))
    repeated = {
        name: np.tile(getattr(run.market, name), tile)[:count] for name in ("open", "high", "low", "close", "volume")
    }
    times = run.market.open_time_us[0] + np.arange(count, dtype=np.int64) * 3_600_000_000
    market = replace(run.market, open_time_us=times, funding_rate=None, **repeated)
    equity = np.tile(run.result.equity_e8, tile)[:count]
    trades = tuple(run.result.trades) * (5000 // len(run.result.trades))
    result = replace(
        run.result,
        time_us=times + 3_600_000_000,
        equity_e8=equity,
        trades=trades,
        position_e8={"BTCUSD": np.zeros(count, dtype=np.int64)},
    )

    html = page_of(result, market, run.strategy)

    data = html[html.index('id="figures"') : html.index("</script>")]
    assert len(data) < 4_500_000
    said = " ".join(Page(html).texts)
    assert "bars" in said
    assert "trades with the largest PnL" in said


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_short_run_has_a_report(run: Any, count: int) -> None:
    result = replace(
        run.result,
        time_us=run.result.time_us[:count],
        equity_e8=run.result.equity_e8[:count],
        trades=(),
        fills=(),
        funding=(),
        position_e8={"BTCUSD": run.result.position_e8["BTCUSD"][:count]},
    )

    said = " ".join(Page(page_of(result, run.market, run.strategy)).texts)

    assert "No trade was closed." in said
    assert "shorter than 40 days" in said


def test_report_is_written_whole(run: Any, tmp_path: Path) -> None:
    path = write_report(
        tmp_path / "new" / "report.html",
        run.result,
        [run.market],
        run.strategy,
        run.stats,
        provenance_of(run.result, [run.market]),
    )

    assert path.read_text(encoding="utf-8").endswith("</html>")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["equity", "trades", "rolling", "money"])
def test_a_notebook_draws_every_figure(run: Any, kind: str) -> None:
    assert plot(run.result, [run.market], run.strategy, kind).data


def test_an_unknown_figure_or_symbol_is_named(run: Any) -> None:
    with pytest.raises(ValueError, match="allowed: equity"):
        plot(run.result, [run.market], run.strategy, "pie")
    with pytest.raises(ValueError, match="found: BTCUSD"):
        plot(run.result, [run.market], run.strategy, "trades", "X")


def test_zooming_in_shows_the_bars_themselves(run: Any, page: Page) -> None:
    detail, figure = page.figures["details"]["market0"], page.figures["figures"]["market0"]

    assert detail["x"] == (run.market.open_time_us // 1000).tolist()
    assert detail["candles"] == [getattr(run.market, name).tolist() for name in ("open", "high", "low", "close")]
    drawn = {trace["meta"]["series"] for trace in figure["data"] if "series" in trace.get("meta", {})}
    assert drawn == set(range(len(detail["series"])))
    assert all(len(values) == len(run.market) for values in detail["series"])


def test_every_trade_is_a_row_of_the_table_and_the_splits_add_up(run: Any) -> None:
    page = Page(page_of(run.result, run.market, run.strategy))
    rows, trades = page.figures["trades"]["rows"], run.result.trades

    assert [row[0] for row in rows] == list(range(1, len(trades) + 1))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert [row[-1] for row in rows] == [float(trade.qty) for trade in trades]
    assert page.figures["trades"]["charts"] == {"BTCUSD": "market0"}
    for split in splits_of(trades, [run.market]):
        assert sum(part.trades for part in split.parts) == len(trades)
        assert sum(part.pnl for part in split.parts) == sum(trade.pnl for trade in trades)


def test_of_more_trades_than_the_table_holds_the_largest_are_in_it(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_rows_module, "ROWS_MAX", 3)
    monkeypatch.setattr(page_module, "ROWS_MAX", 3)

    page = Page(page_of(run.result, run.market, run.strategy))

    largest = sorted(range(len(run.result.trades)), key=lambda at: -abs(run.result.trades[at].pnl))[:3]
    assert sorted(row[0] - 1 for row in page.figures["trades"]["rows"]) == sorted(largest)
    assert "with the largest PnL; trades.parquet has all." in " ".join(page.texts)


def test_a_liquidation_comes_before_all_else_on_the_page(run: Any) -> None:
    fill = replace(run.result.fills[-1], leg="LIQUIDATION")
    activity = replace(run.result.activity, liquidations=1, refused={"min_qty": 2})
    result = replace(run.result, fills=(*run.result.fills[:-1], fill), make_activity=lambda: activity)

    texts = Page(page_of(result, run.market, run.strategy)).texts

    said = [text for text in texts if text.startswith("LIQUIDATED: 1 position closed by the venue")]
    assert texts.index(said[0]) < texts.index("Total return")
    assert any("min_qty 2" in text for text in texts)
