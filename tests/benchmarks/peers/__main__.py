"""``make bench-peers``: ``python -m tests.benchmarks.peers`` in the root of the checkout."""

import sys

from local.home import ROOT

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "layers" / "ledger"))
    from tests.benchmarks.peers.bench import main  # the path comes first

    sys.exit(main())
