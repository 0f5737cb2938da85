"""How robust is this image classifier?"""
