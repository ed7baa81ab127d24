"""`python -m services.realtime` serves."""

import sys

from services.realtime.main import main

sys.exit(main(sys.argv[1:]))
