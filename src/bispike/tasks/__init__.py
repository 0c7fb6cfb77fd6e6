"""Tasks of networks: classification, reconstruction, next symbols of a text, forecasts of a series.

`of(network)` gives the task of a network. A task measures the network, compares it with a data set, and defines what
summaries report. `continue_text` and `forecast` apply trained networks to a user's own texts and series.
"""

from .baselines import baselines
from .choice import expect, of
from .continuations import Forecast, continue_text, forecast
from .forecast_errors import ForecastErrors
from .forecasting import Forecasting
from .metrics import METRICS, Metric
from .next_symbols import NextSymbols
from .single_stimuli import Classification, Reconstruction
from .task import Task

__all__ = [
    "METRICS",
    "Classification",
    "Forecast",
    "ForecastErrors",
    "Forecasting",
    "Metric",
    "NextSymbols",
    "Reconstruction",
    "Task",
    "baselines",
    "continue_text",
    "expect",
    "forecast",
    "of",
]
