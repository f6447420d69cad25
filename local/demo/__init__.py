"""The demonstration: plays the main job on a local stack, as billing system, till and member.

It knows nothing of the code that it runs against: it sends webhooks over HTTP, calls the API with
tokens from Cognito, and invokes the scheduled functions by name, all from what ``stack.json`` says.
"""
