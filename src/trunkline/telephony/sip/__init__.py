"""The SIP driver: sockets and a loop around the SIP core, and the doors that decide who may talk to it."""
