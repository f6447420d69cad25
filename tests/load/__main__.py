"""``make load``: ``python -m tests.load`` in the root of the checkout."""

import sys

from local.home import ROOT

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "layers" / "ledger"))
    from tests.load.report import main  # the path comes first

    sys.exit(main())
