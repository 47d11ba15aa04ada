{
    "name": "Drawbridge Demo",
    "summary": "An example of a route that takes Drawbridge's access tokens",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Hidden/Tools",
    "author": "Drawbridge",
    "license": "LGPL-3",
    "depends": ["auth_drawbridge"],
}
