"""The tickets service on simulated time."""

import uvicorn
from casetrail_runtime.settings import load_settings
from casetrail_tickets.main import create_app
from casetrail_tickets.settings import TicketsSettings

from tests.simulation.clock import SharedClock

if __name__ == "__main__":
    settings = load_settings(TicketsSettings)
    app = create_app(settings, SharedClock.of_environment().now)
    uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, log_config=None)
