"""As much of curl as the documents use, for machines that have none."""

import argparse
import sys
from urllib.parse import urlencode

import httpx


def main() -> None:
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", dest="silent", action="store_true")
    parser.add_argument("-S", dest="but_errors", action="store_true")
    parser.add_argument("-G", dest="get", action="store_true")
    parser.add_argument("--data-urlencode", dest="parameters", action="append", default=[])
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-w", dest="after", default="")
    given = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in given.headers)
    method = given.method or ("GET" if given.data is None else "POST")
    query = urlencode([parameter.partition("=")[::2] for parameter in given.parameters]) if given.get else ""
    url = given.url + ("?" if "?" not in given.url else "&") * bool(query) + query
    answer = httpx.request(method, url, headers=headers, content=given.data, timeout=60)
    sys.stdout.write(answer.text + given.after.replace("%{http_code}", str(answer.status_code)))


main()
