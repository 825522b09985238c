"""Client of rest_service. It returns contracts and raises the errors of smart_kit.errors.

Each service chooses what sends its requests, and imports only that: `aiohttp_transport` costs a
third of `httpx2_transport`'s CPU a request, but needs more memory in a service that imports aiohttp
for nothing else.
"""

from smart_kit.rest_client.client import MAX_ATTEMPTS as MAX_ATTEMPTS
from smart_kit.rest_client.client import RestClientSettings as RestClientSettings
from smart_kit.rest_client.client import ServiceClient as ServiceClient
