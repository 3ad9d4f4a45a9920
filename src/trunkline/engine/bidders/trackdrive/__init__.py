"""TrackDrive ping and post: `https://HOST/api/v1/inbound_webhooks/{ping|post}/NAME`.

Sources: TrackDrive's ping/post integration guide and API documentation of inbound webhooks (2026). Which fields of
buyers an endpoint answers with is configured over there, so all the names in use are read.
"""
