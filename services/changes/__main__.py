"""`python -m services.changes` keeps approvals and a change management system in step."""

import sys

from services.changes.main import main

sys.exit(main(sys.argv[1:]))
