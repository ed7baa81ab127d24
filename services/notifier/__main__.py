"""`python -m services.notifier` tells people and systems what happened."""

import sys

from services.notifier.main import main

sys.exit(main(sys.argv[1:]))
