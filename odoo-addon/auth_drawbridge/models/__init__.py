from . import drawbridge_code
from . import drawbridge_event
from . import ir_http
from . import res_config_settings
from . import res_device
from . import res_groups
from . import res_users
