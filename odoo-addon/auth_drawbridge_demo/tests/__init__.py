from . import test_whoami
