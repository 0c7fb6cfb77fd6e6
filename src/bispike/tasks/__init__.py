"""What sequences are used for: how predictions are judged, what they are compared with, and text that goes on."""

from .baselines import baselines
from .continuation import write_on
from .forecast import Forecast, forecast
from .judging import Judged, evaluate_sequences

__all__ = ["Forecast", "Judged", "baselines", "evaluate_sequences", "forecast", "write_on"]
