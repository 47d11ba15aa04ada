from . import test_bearer
from . import test_bridge_api
from . import test_jwks
from . import test_neutralize
from . import test_refused_tokens
from . import test_scopes
from . import test_settings
