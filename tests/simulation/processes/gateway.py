"""The gateway on simulated time."""

import uvicorn
from casetrail_gateway.adapters import system_clock as machine
from casetrail_runtime.settings import load_settings

from tests.simulation.clock import SharedClock

if __name__ == "__main__":
    # Its parts take the machine's clock where they are put together, so it is replaced before that.
    machine.SystemClock = SharedClock.of_environment  # type: ignore[assignment, misc]
    from casetrail_gateway.main import create_app
    from casetrail_gateway.settings import GatewaySettings

    settings = load_settings(GatewaySettings)
    app = create_app(settings)
    uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, log_config=None)
