"""Retreaver RTB: `https://rtb.retreaver.com/rtbs.json`, reserved by the ping and confirmed by a second request.

Source: Retreaver's core API documentation, section Real-Time Bidding (github.com/retreaver/core-api-docs, 2026).
"""
