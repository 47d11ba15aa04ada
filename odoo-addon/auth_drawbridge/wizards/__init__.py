from . import drawbridge_session
