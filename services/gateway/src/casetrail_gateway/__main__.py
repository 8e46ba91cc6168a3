"""`python -m casetrail_gateway`: the service on its port."""

import sys

from casetrail_runtime.garbage import collect_rarely
from casetrail_runtime.serving import serve
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
    app = create_app(settings)
    collect_rarely()
    serve(app, settings)


if __name__ == "__main__":
    main()
