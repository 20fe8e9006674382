"""Programs nobody wrote for differentiation: functions drawn by lot from published packages."""
