"""Three ways to compute the same indicators: our own, TA-Lib's and pandas-ta's."""
