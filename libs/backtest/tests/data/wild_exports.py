"""Files of programs that write the day and the clock's time in columns of their own."""

from __future__ import annotations

from .wild import DAYS, HOURS, NAMES, UNZONED, Wild, frame, ms, parquet, text, written


def exports() -> dict[str, Wild]:
    """MetaTrader, Stooq, and what notebooks make of their files."""
    clocked = "the columns of date and of time together are read as open_time"
    header = "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<SPREAD>"
    five = text(written(HOURS, "%Y.%m.%d\t%H:%M:%S"), header, separator="\t", tail="\t0")
    days = text(written(DAYS, "%Y.%m.%d"), header.replace(",<TIME>", ""), separator="\t", tail="\t0")
    stooq = text(
        written(HOURS, "BTC.V,60,%Y%m%d,%H%M%S"), "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"
    )
    numbered = frame(HOURS, NAMES).drop(columns="open_time")
    numbered.insert(0, "Date", [int(f"{hour:%Y%m%d}") for hour in HOURS])
    numbered.insert(1, "Time", [int(f"{hour:%H%M%S}") for hour in HOURS])
    clocks = numbered.assign(Date=[hour.date() for hour in HOURS], Time=[hour.time() for hour in HOURS])
    return {
        "export: MetaTrader 5": Wild("x.csv", five, clocked),
        "export: MetaTrader 5 in UTF-16": Wild("x.csv", five.decode().encode("utf-16"), clocked),
        "export: MetaTrader 5, days": Wild("x.csv", days, UNZONED, "", "1d"),
        "export: MetaTrader 4": Wild("x.csv", text(written(HOURS, "%Y.%m.%d,%H:%M"), ""), clocked),
        "export: Stooq": Wild("x.txt", stooq, clocked),
        "export: Stooq, days": Wild(
            "x.csv", text(written(DAYS, "%Y-%m-%d"), "Date,Open,High,Low,Close,Volume"), UNZONED, "", "1d"
        ),
        "export: a clock without a nought": Wild(
            "x.csv",
            text([f"{hour:%Y-%m-%d},{hour.hour}:00" for hour in HOURS], "Date,Time,Open,High,Low,Close,Volume"),
            clocked,
        ),
        "export: Parquet, day and clock as numbers": Wild("x.parquet", parquet(numbered), clocked),
        "export: Parquet, day and clock": Wild("x.parquet", parquet(clocks), clocked),
        "export: whole moments beside their dates": Wild(
            "x.csv", text([f"{hour:%Y-%m-%d},{ms(hour)}" for hour in HOURS], "Date,Time,Open,High,Low,Close,Volume")
        ),
        "export: a time that is none": Wild(
            "x.csv",
            text(written(HOURS, "%Y-%m-%d,%H h"), "Date,Time,Open,High,Low,Close,Volume"),
            refused="found 00 h, allowed a time after 1974",
        ),
    }
