"""Makes the modules of the bundled zoo importable: its architecture, corpus, training and surgery serve here too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "zoo"))
