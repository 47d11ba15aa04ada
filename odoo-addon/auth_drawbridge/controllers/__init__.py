from . import bridge
from . import browsers
from . import hand_off
from . import redeem
