"""Files of programs that write the day and the clock's time in columns of their own."""

from __future__ import annotations

from decimal import Decimal

from .wild import DAYS, HEADER, HOURS, NAMES, PRICES, UNZONED, Wild, frame, ms, parquet, text, written


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
            "x.csv",
            text([f"{hour:%Y-%m-%d},{ms(hour)}" for hour in HOURS], "Date,Time,Open,High,Low,Close,Volume"),
            "the column of dates beside them is not read",
        ),
        "export: a time that is none": Wild(
            "x.csv",
            text(written(HOURS, "%Y-%m-%d,%H h"), "Date,Time,Open,High,Low,Close,Volume"),
            refused="found 00 h, allowed a time after 1974",
        ),
    }


def compact() -> dict[str, Wild]:
    """Dates and times without anything between, months by name, and a year that no candle has."""
    forms = {"seconds": "%Y%m%d%H%M%S", "minutes": "%Y%m%d%H%M", "a blank": "%Y%m%d %H%M%S"}
    numbers = [int(text) for text in written(HOURS, "%Y%m%d%H%M%S")]
    return {
        **{f"compact: {name}": Wild("x.csv", text(written(HOURS, form)), UNZONED) for name, form in forms.items()},
        "compact: a month by name": Wild("x.csv", text(written(HOURS, "%d-%b-%Y %H:%M")), UNZONED),
        "compact: Parquet": Wild("x.parquet", parquet(frame(numbers)), UNZONED),
        "compact: Parquet, dates": Wild(
            "x.parquet", parquet(frame([int(text) for text in written(DAYS, "%Y%m%d")])), UNZONED, "", "1d"
        ),
        "compact: milliseconds behind": Wild(
            "x.csv",
            text(written(HOURS, "%Y%m%d%H%M%S000")),
            refused="found 20240101000000000, allowed a time",
        ),
        "compact: a later year": Wild(
            "x.csv",
            text(written(HOURS, "2609-%m-%d %H:%M")),
            refused="found 2609-01-01 00:00, allowed a time",
        ),
    }


def investing() -> dict[str, Wild]:
    """As investing.com writes them, and files that a bar separates."""
    header = "Date,Price,Open,High,Low,Vol.,Change %"
    rows = [
        f'"{day:%b %d, %Y}",{close},{open_},{high},{low},{Decimal(volume) / 1000}K,0.1%'
        for day, (open_, high, low, close, volume) in zip(DAYS, PRICES, strict=True)
    ]
    stamps = [ms(hour) for hour in HOURS]
    return {
        "investing.com": Wild(
            "x.csv", "\n".join([header, *rows]).encode(), "volumes as 1.27168108K are read as 1271.68108", "", "1d"
        ),
        "separated by a bar": Wild("x.csv", text(stamps, separator="|")),
    }


def odd_columns() -> dict[str, Wild]:
    stamps = [ms(hour) for hour in HOURS]
    return {
        "columns: volume in base": Wild(
            "x.csv", text(stamps, "unix,open,high,low,close,Volume BTC"), "column Volume BTC is read as volume"
        ),
        "columns: two volumes": Wild(
            "x.csv",
            text(stamps, "unix,open,high,low,close,Volume BTC,Volume USDT", tail=",7.5"),
            "column Volume BTC is read as volume, in base asset; Volume USDT is not read",
        ),
        "columns: two volumes of none knows which": Wild(
            "x.csv",
            text(stamps, "unix,open,high,low,close,Volume A,Volume B", tail=",7.5"),
            "Volume A, Volume B could each be it; rename the one in base asset to volume",
            volume=False,
        ),
        "columns: two times": Wild(
            "x.csv",
            text([f"2020-01-01,{stamp}" for stamp in stamps], "date,timestamp,open,high,low,close,volume"),
            "column timestamp is read as open_time; date is not read",
        ),
        "columns: no volume": Wild("x.csv", text(stamps, "open_time,open,high,low,close", columns=5), volume=False),
        "columns: no volume, no header": Wild("x.csv", text(stamps, "", columns=5), volume=False),
        "columns: volume twice": Wild(
            "x.csv", text(stamps, HEADER + ",Volume", tail=",1"), refused="volume and Volume"
        ),
        "columns: close twice": Wild("x.csv", text(stamps, HEADER + ",Close", tail=",1"), refused="close and Close"),
        "columns: no close": Wild(
            "x.csv", text(stamps, "open_time,open,high,low,last,volume"), refused="without close"
        ),
        "columns: no time": Wild(
            "x.csv", text(stamps, "symbol,open,high,low,close,volume"), refused="without open_time"
        ),
        "columns: funding": Wild(
            "x.csv", b"funding_time,funding_rate\n1704067200000,0.0001\n", refused="give the file as --funding"
        ),
        "columns: trades": Wild("x.csv", b"time,price,qty\n1704067200000,42475.23,1\n", refused="single trades"),
    }
