"""`python -m services.repository` commits what finished workflows made to git repositories."""

import sys

from services.repository.main import main

sys.exit(main(sys.argv[1:]))
