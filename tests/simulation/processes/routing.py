"""The routing service on simulated time."""

import uvicorn
from casetrail_routing.adapters import clock as machine
from casetrail_runtime.settings import load_settings

from tests.simulation.clock import SharedClock

if __name__ == "__main__":
    # Its parts take the machine's clock where they are put together, so it is replaced before that.
    machine.now = SharedClock.of_environment().now
    from casetrail_routing.main import create_app
    from casetrail_routing.settings import RoutingSettings

    settings = load_settings(RoutingSettings)
    app = create_app(settings)
    uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, log_config=None)
