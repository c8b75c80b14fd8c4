"""What people do: today's list, and with later work visits, calls, plans and logs.

Does not live here: why a customer deserves attention (insight works that out), the contact history itself (customers).
"""
