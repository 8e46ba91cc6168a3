"""What a WhatsApp webhook is made of: pure functions over bytes and JSON."""
