"""``python -m tradewire.runtime.probe``: is the service of this container ready? Exit code 0 or 1, for HEALTHCHECK.

Asks ``/health/ready`` on loopback, at the port of ``TRADEWIRE_HTTP_PORT``, and prints the answer.
"""

from __future__ import annotations

import http.client
import os
import sys

PORT_VARIABLE = "TRADEWIRE_HTTP_PORT"
ANSWER_SECONDS = 3.0


def ready(port: int) -> tuple[bool, str]:
    """Whether the service at a port of this machine is ready, and what it says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer from 127.0.0.1:{port}: {error}"
    finally:
        connection.close()


def main() -> None:
    """Exit with 0 when the service is ready, else with 1."""
    port = os.environ.get(PORT_VARIABLE, "")
    if not port.isdigit() or not int(port):
        sys.exit(f"{PORT_VARIABLE}: found {port!r}; allowed: the port on which the service listens")
    is_ready, answer = ready(int(port))
    print(answer)
    sys.exit(0 if is_ready else 1)


if __name__ == "__main__":
    main()
