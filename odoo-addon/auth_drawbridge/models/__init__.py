from . import drawbridge_bridge
from . import drawbridge_connection
from . import drawbridge_event
from . import drawbridge_role
from . import ir_http
from . import res_config_settings
from . import res_groups
from . import res_users
