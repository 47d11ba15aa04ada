from . import drawbridge_event
from . import drawbridge_keys
from . import drawbridge_revocation
from . import ir_http
from . import res_config_settings
from . import res_groups
from . import res_users
