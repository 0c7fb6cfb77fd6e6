"""Data sets: stimuli with concepts, from published files or a user's own, always checked before use."""

from . import augment as augment
from . import formats as formats
from .assemble import from_arrays as from_arrays
from .catalogue import fetch as fetch
from .catalogue import info as info
from .catalogue import load as load
from .catalogue import names as names
from .catalogue import options_of as options_of
from .dataset import Dataset as Dataset
from .dataset import Split as Split
from .expected import Expected as Expected
from .expected import expected as expected
from .formats.series import from_series as from_series
from .formats.table import from_table as from_table
from .inspection import check as check
from .published import DatasetEntry as DatasetEntry
from .published import RemoteFile as RemoteFile
from .published import registry as registry
from .sampling import stratified as stratified
from .schema.units import as_float as as_float
