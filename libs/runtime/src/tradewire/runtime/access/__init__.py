"""Who may do what: tokens with a role, from a file that holds only their hashes.

A process with an HTTP face takes three steps, as ``tradewire.runtime.process`` does:

    access = access_of(settings.tokens_file, settings.http_host)   # refuses an open face off loopback
    guard(app, access, settings.http_host)                         # Problem documents, security headers, Host
    app.include_router(router, dependencies=ADMITTED)

Reading routes then need a viewer's token, every other method an operator's. A route that asks for another role says so
where it is declared, and a handler that wants to know who calls takes a parameter of type ``Who``:

    @router.post("/strategies", openapi_extra=needs(Role.TRADER))
    async def publish(strategy: Document, who: Who) -> Answer: ...

``access.noted`` is told of every use of a route that changes something, allowed or not: publish an audit event from it.
A page without headers of its own (a browser's EventSource) is served by a process that calls ``access.identify``.
"""
