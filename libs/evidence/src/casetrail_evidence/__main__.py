"""`python -m casetrail_evidence` is `casetrail-verify`."""

import sys

from casetrail_evidence.cli import main

if __name__ == "__main__":
    sys.exit(main())
