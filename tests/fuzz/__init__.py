"""Random programs: what they are made of (`programs`), and what has to hold for each (`check`)."""
