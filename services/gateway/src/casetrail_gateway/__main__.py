"""`python -m casetrail_gateway`: the service on its port."""

import sys

import uvicorn
from casetrail_runtime.settings import EXIT_CODE, load_settings

from casetrail_gateway.adapters.tokens_file import TokensFileFaulty, read_tokens
from casetrail_gateway.main import create_app
from casetrail_gateway.settings import GatewaySettings


def main() -> None:
    """Serves until it is told to end; faults of settings and tokens are told in sentences."""
    settings = load_settings(GatewaySettings)
    try:
        read_tokens(settings.tokens_file)
    except TokensFileFaulty as fault:
        print(f"GATEWAY_TOKENS_FILE {fault}", file=sys.stderr)  # noqa: T201 - before the logging
        raise SystemExit(EXIT_CODE) from None
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=settings.keep_alive,
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main()
