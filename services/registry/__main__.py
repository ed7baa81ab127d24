"""`python -m services.registry` serves; `python -m services.registry migrate` prepares the database."""

import sys

from services.registry.main import main

sys.exit(main(sys.argv[1:]))
