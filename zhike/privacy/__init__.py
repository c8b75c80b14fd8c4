"""What people may ask about their own data (个人信息保护法): everything held, a correction, erasure; and the registers.

What a field is kept for and how long stands beside its class (`kernel.keeping`); consents are in customers.
"""
