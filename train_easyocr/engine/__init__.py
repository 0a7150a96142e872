"""What every training needs, whatever it trains."""
